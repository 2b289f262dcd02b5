datatype Offer = Offer(seller: int, price: int)

class World {
  var calls: int;
  method Offers() returns (r: seq<Offer>)
    requires calls + 1 <= 2
    modifies this
    ensures calls == old(calls) + 1 && |r| <= 60
  method Order(seller: int, price: int, limit: int)
    requires price <= limit && calls + 1 <= 2
    modifies this
    ensures calls == old(calls) + 1
}

method TakeFirst(w: World, limit: int) returns (at: int)
  requires w.calls == 0
  modifies w
{
  var all := w.Offers();
  at := |all|;
  var i := 0;
  while i < |all|
    invariant 0 <= i <= |all|
    invariant at == |all|
    invariant forall k :: 0 <= k < i ==> all[k].price > limit
  {
    if all[i].price <= limit {
      at := i;
      break;
    }
    i := i + 1;
  }
  assert forall k :: 0 <= k < at ==> all[k].price > limit;
  if at < |all| {
    w.Order(all[at].seller, all[at].price, limit);
  }
}
