type Document;
var cents: int;
var calls: int;

procedure Analyse(document: Document) returns (ok: bool, found: int);
  requires cents + 5 <= 500 && calls + 1 <= 100;
  modifies cents, calls;
  ensures cents == old(cents) + 5 && calls == old(calls) + 1;
  ensures ok ==> found >= 0;

procedure AnalyseAll(documents: [int]Document, n: int) returns (findings: int)
  requires 0 <= n && n <= 100 && cents == 0 && calls == 0;
  modifies cents, calls;
  ensures findings >= 0;
  ensures cents <= 500 && calls <= 100;
{
  var i, found: int;
  var ok: bool;
  findings := 0;
  i := 0;
  while (i < n)
    invariant 0 <= i && i <= n;
    invariant findings >= 0;
    invariant cents <= 5 * i && calls <= i;
  {
    call ok, found := Analyse(documents[i]);
    if (ok) { findings := findings + found; }
    i := i + 1;
  }
}
