procedure Search(xs: [int]int, n: int, key: int) returns (found: bool, at: int)
  requires 0 <= n && n <= 1000;
  requires (forall i, j: int :: 0 <= i && i <= j && j < n ==> xs[i] <= xs[j]);
  ensures found ==> 0 <= at && at < n && xs[at] == key;
  ensures !found ==> (forall i: int :: 0 <= i && i < n ==> xs[i] != key);
{
  var low, high, middle, before: int;
  low := 0;
  high := n;
  while (low < high)
    invariant 0 <= low && low <= high && high <= n;
    invariant (forall i: int :: 0 <= i && i < low ==> xs[i] != key);
    invariant (forall i: int :: high <= i && i < n ==> xs[i] != key);
  {
    before := high - low;
    middle := (low + high) div 2;
    if (xs[middle] == key) {
      found := true;
      at := middle;
      return;
    }
    if (xs[middle] < key) {
      low := middle + 1;
    } else {
      high := middle;
    }
    assert 0 <= before && high - low < before;
  }
  found := false;
}
