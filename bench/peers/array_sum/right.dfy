class World {
  var calls: int;
  method Publish(total: int)
    modifies this
    ensures calls == old(calls) + 1
}

function Sum(xs: seq<int>, n: int): int
  requires 0 <= n <= |xs|
{
  if n == 0 then 0 else Sum(xs, n - 1) + xs[n - 1]
}

method Total(w: World, readings: seq<int>) returns (s: int)
  requires |readings| <= 100
  modifies w
  ensures s == Sum(readings, |readings|)
  ensures w.calls <= old(w.calls) + 1
{
  s := 0;
  var i := 0;
  while i < |readings|
    invariant 0 <= i <= |readings|
    invariant s == Sum(readings, i)
  {
    s := s + readings[i];
    i := i + 1;
  }
  w.Publish(s);
}
