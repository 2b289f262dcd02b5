// Compares with the threshold of another country.
const THRESHOLD: int;
axiom THRESHOLD == 1000;
var approved: int;
var paid: int;
var calls: int;

procedure Ask(amount: int) returns (yes: bool);
  requires amount > 0 && calls + 1 <= 2;
  modifies approved, calls;
  ensures approved == (if yes then amount else 0);
  ensures calls == old(calls) + 1;

procedure Pay(amount: int);
  requires amount > 0 && calls + 1 <= 2;
  requires amount <= THRESHOLD || amount <= approved;
  modifies paid, calls;
  ensures paid == old(paid) + amount;
  ensures calls == old(calls) + 1;

procedure PayInvoice(amount: int) returns (done: bool)
  requires amount > 0 && calls == 0;
  modifies approved, paid, calls;
  ensures paid == old(paid) + (if done then amount else 0);
{
  var yes: bool;
  if (amount > 10000) {
    call yes := Ask(amount);
    if (!yes) {
      done := false;
      return;
    }
  }
  call Pay(amount);
  done := true;
}
