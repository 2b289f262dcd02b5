class World {
  var submitted: bool;
  var calls: int;
  method Submit() returns (ok: bool)
    requires !submitted && calls + 1 <= 3
    modifies this
    ensures calls == old(calls) + 1
    ensures submitted == ok
}

method HandIn(w: World) returns (done: bool)
  requires !w.submitted && w.calls == 0
  modifies w
  ensures done == w.submitted
  ensures w.calls <= 3
{
  done := false;
  var i := 0;
  while i < 3
    invariant 0 <= i <= 3 && w.calls <= i
    invariant !done && !w.submitted
  {
    var ok := w.Submit();
    if ok { done := true; }
    if done { break; }
    i := i + 1;
  }
}
