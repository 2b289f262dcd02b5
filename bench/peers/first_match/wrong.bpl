// Forgets to stop and takes the last offer that is cheap enough.
var calls: int;

procedure Offers() returns (seller: [int]int, price: [int]int, n: int);
  requires calls + 1 <= 2;
  modifies calls;
  ensures calls == old(calls) + 1 && 0 <= n && n <= 60;

procedure Order(seller: int, price: int, limit: int);
  requires price <= limit && calls + 1 <= 2;
  modifies calls;
  ensures calls == old(calls) + 1;

procedure TakeFirst(limit: int) returns (at: int)
  requires calls == 0;
  modifies calls;
{
  var seller, price: [int]int;
  var n, i: int;
  call seller, price, n := Offers();
  at := n;
  i := 0;
  while (i < n)
    invariant 0 <= i && i <= n;
    invariant 0 <= at && at <= n;
    invariant at < n ==> price[at] <= limit;
  {
    if (price[i] <= limit) {
      at := i;
    }
    i := i + 1;
  }
  assert (forall k: int :: 0 <= k && k < at ==> price[k] > limit);
  if (at < n) {
    call Order(seller[at], price[at], limit);
  }
}
