// The law of the total under update is an axiom here; Dafny's twin proves it.
type Account;
type Balances = [Account]int;
const present: [Account]bool;
function Sum(m: Balances): int;
axiom (forall m: Balances, k: Account, v: int :: {Sum(m[k := v])}
  present[k] ==> Sum(m[k := v]) == Sum(m) - m[k] + v);

var balance: Balances;

procedure Transfer(source: Account, target: Account, amount: int);
  requires present[source] && present[target] && source != target;
  requires 0 <= amount && amount <= balance[source];
  modifies balance;
  ensures balance == old(balance[source := balance[source] - amount]
                                [target := balance[target] + amount]);

procedure Credit(target: Account, amount: int);
  requires present[target] && 0 <= amount;
  modifies balance;
  ensures balance == old(balance[target := balance[target] + amount]);

procedure PayWithTip(payer: Account, cook: Account, waiter: Account, price: int, tip: int)
  requires present[payer] && present[cook] && present[waiter];
  requires payer != cook && payer != waiter && cook != waiter;
  requires (forall k: Account :: present[k] ==> balance[k] >= 0);
  requires price >= 0 && tip >= 0 && balance[payer] >= price + tip;
  modifies balance;
  ensures (forall k: Account :: present[k] ==> balance[k] >= 0);
  ensures Sum(balance) == Sum(old(balance));
  ensures balance[payer] == old(balance[payer]) - price - tip;
  ensures balance[waiter] == old(balance[waiter]) + tip;
{
  call Transfer(payer, cook, price);
  assert Sum(balance) == Sum(old(balance));
  call Transfer(payer, waiter, tip);
}
