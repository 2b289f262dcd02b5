// Commits also where the very first write failed and there is nothing to commit.
datatype Phase = Idle | Open | Dirty

class World {
  var phase: Phase;
  var calls: int;
  method Begin()
    requires phase == Idle && calls + 1 <= 4
    modifies this
    ensures phase == Open && calls == old(calls) + 1
  method Write(value: int) returns (ok: bool)
    requires (phase == Open || phase == Dirty) && calls + 1 <= 4
    modifies this
    ensures phase == (if ok then Dirty else old(phase)) && calls == old(calls) + 1
  method Commit()
    requires phase == Dirty && calls + 1 <= 4
    modifies this
    ensures phase == Idle && calls == old(calls) + 1
  method Rollback()
    requires (phase == Open || phase == Dirty) && calls + 1 <= 4
    modifies this
    ensures phase == Idle && calls == old(calls) + 1
}

method StoreBoth(w: World, first: int, second: int) returns (stored: bool)
  requires w.phase == Idle && w.calls == 0
  modifies w
  ensures w.phase == Idle
{
  stored := false;
  w.Begin();
  var ok := w.Write(first);
  if ok {
    ok := w.Write(second);
    if ok { stored := true; }
  }
  w.Commit();
}
