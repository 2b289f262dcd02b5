var submitted: bool;
var calls: int;

procedure Submit() returns (ok: bool);
  requires !submitted && calls + 1 <= 3;
  modifies submitted, calls;
  ensures calls == old(calls) + 1;
  ensures submitted == ok;

procedure HandIn() returns (done: bool)
  requires !submitted && calls == 0;
  modifies submitted, calls;
  ensures done == submitted;
  ensures calls <= 3;
{
  var i: int;
  var ok: bool;
  done := false;
  i := 0;
  while (i < 3)
    invariant 0 <= i && i <= 3 && calls <= i;
    invariant !done && !submitted;
  {
    call ok := Submit();
    if (ok) { done := true; }
    if (done) { break; }
    i := i + 1;
  }
}
