// Asks for a page after the last one.
var calls: int;

procedure CountEntries() returns (total: int);
  requires calls + 1 <= 201;
  modifies calls;
  ensures calls == old(calls) + 1 && 0 <= total && total <= 200;

procedure FetchPage(offset: int, total: int) returns (got: int);
  requires 0 <= offset && offset < total;
  requires calls + 1 <= 201;
  modifies calls;
  ensures calls == old(calls) + 1;
  ensures 1 <= got && got <= total - offset;

procedure FetchAll() returns (offset: int)
  requires calls == 0;
  modifies calls;
  ensures 0 <= offset && offset <= 200;
  ensures calls <= 201;
{
  var total, got, before: int;
  call total := CountEntries();
  offset := 0;
  while (offset <= total)
    invariant 0 <= offset && offset <= total;
    invariant calls <= 1 + offset;
  {
    before := total - offset;
    call got := FetchPage(offset, total);
    offset := offset + got;
    assert 0 <= before && total - offset < before;
  }
  assert offset == total;
}
