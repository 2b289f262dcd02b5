// What failed is tried once more, which the budget does not cover.
type Document

class World {
  var cents: int;
  var calls: int;
  method Analyse(document: Document) returns (ok: bool, found: int)
    requires cents + 5 <= 500 && calls + 1 <= 100
    modifies this
    ensures cents == old(cents) + 5 && calls == old(calls) + 1
    ensures ok ==> found >= 0
}

method AnalyseAll(w: World, documents: seq<Document>) returns (findings: int)
  requires |documents| <= 100 && w.cents == 0 && w.calls == 0
  modifies w
  ensures findings >= 0
  ensures w.cents <= 500 && w.calls <= 100
{
  findings := 0;
  var i := 0;
  while i < |documents|
    invariant 0 <= i <= |documents|
    invariant findings >= 0
    invariant w.cents <= 5 * i && w.calls <= i
  {
    var ok, found := w.Analyse(documents[i]);
    if ok { findings := findings + found; }
    else {
      ok, found := w.Analyse(documents[i]);
      if ok { findings := findings + found; }
    }
    i := i + 1;
  }
}
