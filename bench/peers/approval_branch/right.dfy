const THRESHOLD := 1000

class World {
  var approved: int;
  var paid: int;
  var calls: int;
  method Ask(amount: int) returns (yes: bool)
    requires amount > 0 && calls + 1 <= 2
    modifies this
    ensures approved == (if yes then amount else 0)
    ensures paid == old(paid) && calls == old(calls) + 1
  method Pay(amount: int)
    requires amount > 0 && calls + 1 <= 2
    requires amount <= THRESHOLD || amount <= approved
    modifies this
    ensures paid == old(paid) + amount
    ensures approved == old(approved) && calls == old(calls) + 1
}

method PayInvoice(w: World, amount: int) returns (done: bool)
  requires amount > 0 && w.calls == 0
  modifies w
  ensures w.paid == old(w.paid) + (if done then amount else 0)
{
  if amount > 1000 {
    var yes := w.Ask(amount);
    if !yes {
      return false;
    }
  }
  w.Pay(amount);
  return true;
}
