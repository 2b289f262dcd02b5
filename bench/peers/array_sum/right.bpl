var calls: int;

procedure Publish(total: int);
  modifies calls;
  ensures calls == old(calls) + 1;

function Sum(xs: [int]int, n: int): int;
axiom (forall xs: [int]int :: {Sum(xs, 0)} Sum(xs, 0) == 0);
axiom (forall xs: [int]int, n: int :: {Sum(xs, n), xs[n]}
  n >= 0 ==> Sum(xs, n + 1) == Sum(xs, n) + xs[n]);

procedure Total(readings: [int]int, n: int) returns (s: int)
  requires 0 <= n && n <= 100;
  modifies calls;
  ensures s == Sum(readings, n);
  ensures calls <= old(calls) + 1;
{
  var i: int;
  s := 0;
  i := 0;
  while (i < n)
    invariant 0 <= i && i <= n;
    invariant s == Sum(readings, i);
  {
    s := s + readings[i];
    i := i + 1;
  }
  call Publish(s);
}
