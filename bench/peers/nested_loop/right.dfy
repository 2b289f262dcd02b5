type Folder
type File

class World {
  var calls: int;
  method ListFolders() returns (r: seq<Folder>)
    requires calls + 1 <= 421
    modifies this
    ensures calls == old(calls) + 1 && |r| <= 20
  method ListFiles(folder: Folder) returns (r: seq<File>)
    requires calls + 1 <= 421
    modifies this
    ensures calls == old(calls) + 1 && |r| <= 10
  method Scan(file: File) returns (infected: bool)
    requires calls + 1 <= 421
    modifies this
    ensures calls == old(calls) + 1
  method Quarantine(file: File)
    requires calls + 1 <= 421
    modifies this
    ensures calls == old(calls) + 1
}

method ScanAll(w: World) returns (bad: int)
  requires w.calls == 0
  modifies w
  ensures 0 <= bad <= 200
  ensures w.calls <= 421
{
  bad := 0;
  var folders := w.ListFolders();
  var i := 0;
  while i < |folders|
    invariant 0 <= i <= |folders|
    invariant 0 <= bad <= 10 * i
    invariant w.calls <= 1 + 21 * i
  {
    var files := w.ListFiles(folders[i]);
    var j := 0;
    while j < |files|
      invariant 0 <= j <= |files|
      invariant 0 <= bad <= 10 * i + j
      invariant w.calls <= 2 + 21 * i + 2 * j
    {
      var infected := w.Scan(files[j]);
      if infected {
        w.Quarantine(files[j]);
        bad := bad + 1;
      }
      j := j + 1;
    }
    i := i + 1;
  }
}
