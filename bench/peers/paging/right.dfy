class World {
  var calls: int;
  method CountEntries() returns (total: int)
    requires calls + 1 <= 201
    modifies this
    ensures calls == old(calls) + 1 && 0 <= total <= 200
  method FetchPage(offset: int, total: int) returns (got: int)
    requires 0 <= offset < total
    requires calls + 1 <= 201
    modifies this
    ensures calls == old(calls) + 1
    ensures 1 <= got <= total - offset
}

method FetchAll(w: World) returns (offset: int)
  requires w.calls == 0
  modifies w
  ensures 0 <= offset <= 200
  ensures w.calls <= 201
{
  var total := w.CountEntries();
  offset := 0;
  while offset < total
    invariant 0 <= offset <= total
    invariant w.calls <= 1 + offset
    decreases total - offset
  {
    var got := w.FetchPage(offset, total);
    offset := offset + got;
  }
  assert offset == total;
}
