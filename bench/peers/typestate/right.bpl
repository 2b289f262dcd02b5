type Phase;
const unique Idle: Phase;
const unique Open: Phase;
const unique Dirty: Phase;
axiom (forall p: Phase :: p == Idle || p == Open || p == Dirty);
var phase: Phase;
var calls: int;

procedure Begin();
  requires phase == Idle && calls + 1 <= 4;
  modifies phase, calls;
  ensures phase == Open && calls == old(calls) + 1;

procedure Write(value: int) returns (ok: bool);
  requires (phase == Open || phase == Dirty) && calls + 1 <= 4;
  modifies phase, calls;
  ensures phase == (if ok then Dirty else old(phase)) && calls == old(calls) + 1;

procedure Commit();
  requires phase == Dirty && calls + 1 <= 4;
  modifies phase, calls;
  ensures phase == Idle && calls == old(calls) + 1;

procedure Rollback();
  requires (phase == Open || phase == Dirty) && calls + 1 <= 4;
  modifies phase, calls;
  ensures phase == Idle && calls == old(calls) + 1;

procedure StoreBoth(first: int, second: int) returns (stored: bool)
  requires phase == Idle && calls == 0;
  modifies phase, calls;
  ensures phase == Idle;
{
  var ok: bool;
  stored := false;
  call Begin();
  call ok := Write(first);
  if (ok) {
    call ok := Write(second);
    if (ok) { stored := true; }
  }
  if (stored) {
    call Commit();
  } else {
    call Rollback();
  }
}
