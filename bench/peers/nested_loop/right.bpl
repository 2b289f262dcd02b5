type Folder;
type File;
var calls: int;

procedure ListFolders() returns (r: [int]Folder, n: int);
  requires calls + 1 <= 421;
  modifies calls;
  ensures calls == old(calls) + 1 && 0 <= n && n <= 20;

procedure ListFiles(folder: Folder) returns (r: [int]File, n: int);
  requires calls + 1 <= 421;
  modifies calls;
  ensures calls == old(calls) + 1 && 0 <= n && n <= 10;

procedure Scan(file: File) returns (infected: bool);
  requires calls + 1 <= 421;
  modifies calls;
  ensures calls == old(calls) + 1;

procedure Quarantine(file: File);
  requires calls + 1 <= 421;
  modifies calls;
  ensures calls == old(calls) + 1;

procedure ScanAll() returns (bad: int)
  requires calls == 0;
  modifies calls;
  ensures 0 <= bad && bad <= 200;
  ensures calls <= 421;
{
  var folders: [int]Folder;
  var files, again: [int]File;
  var n, m, k, i, j: int;
  var infected: bool;
  bad := 0;
  call folders, n := ListFolders();
  i := 0;
  while (i < n)
    invariant 0 <= i && i <= n;
    invariant 0 <= bad && bad <= 10 * i;
    invariant calls <= 1 + 21 * i;
  {
    call files, m := ListFiles(folders[i]);
    j := 0;
    while (j < m)
      invariant 0 <= j && j <= m;
      invariant 0 <= bad && bad <= 10 * i + j;
      invariant calls <= 2 + 21 * i + 2 * j;
    {
      call infected := Scan(files[j]);
      if (infected) {
        call Quarantine(files[j]);
        bad := bad + 1;
      }
      j := j + 1;
    }
    i := i + 1;
  }
}
