// The tip is credited instead of transferred: money out of nothing.
// Accounts are numbered, so that the total is a recursive function; its one law is a lemma.
function Sum(m: seq<int>): int
{
  if |m| == 0 then 0 else m[0] + Sum(m[1..])
}

lemma SumUpdate(m: seq<int>, k: int, v: int)
  requires 0 <= k < |m|
  ensures Sum(m[k := v]) == Sum(m) - m[k] + v
{
  if k == 0 {
    assert m[k := v][1..] == m[1..];
  } else {
    SumUpdate(m[1..], k - 1, v);
    assert m[k := v][1..] == m[1..][k - 1 := v];
  }
}

class World {
  var balance: seq<int>;
  method Transfer(source: int, target: int, amount: int)
    requires 0 <= source < |balance| && 0 <= target < |balance| && source != target
    requires 0 <= amount <= balance[source]
    modifies this
    ensures balance == old(balance[source := balance[source] - amount]
                                  [target := balance[target] + amount])
  method Credit(target: int, amount: int)
    requires 0 <= target < |balance| && 0 <= amount
    modifies this
    ensures balance == old(balance[target := balance[target] + amount])
}

method PayWithTip(w: World, payer: int, cook: int, waiter: int, price: int, tip: int)
  requires 0 <= payer < |w.balance| && 0 <= cook < |w.balance| && 0 <= waiter < |w.balance|
  requires payer != cook && payer != waiter && cook != waiter
  requires forall k :: 0 <= k < |w.balance| ==> w.balance[k] >= 0
  requires price >= 0 && tip >= 0 && w.balance[payer] >= price + tip
  modifies w
  ensures |w.balance| == old(|w.balance|)
  ensures forall k :: 0 <= k < |w.balance| ==> w.balance[k] >= 0
  ensures Sum(w.balance) == Sum(old(w.balance))
  ensures w.balance[waiter] == old(w.balance[waiter]) + tip
{
  var b := w.balance;
  w.Transfer(payer, cook, price);
  SumUpdate(b, payer, b[payer] - price);
  SumUpdate(b[payer := b[payer] - price], cook, b[cook] + price);
  assert Sum(w.balance) == Sum(b);
  var c := w.balance;
  w.Credit(waiter, tip);
  SumUpdate(c, waiter, c[waiter] + tip);
}
