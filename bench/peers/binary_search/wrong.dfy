// Goes one too far: the item below the middle is never looked at.
datatype Option = None | Some(value: int)

method Search(xs: seq<int>, key: int) returns (r: Option)
  requires |xs| <= 1000
  requires forall i, j :: 0 <= i <= j < |xs| ==> xs[i] <= xs[j]
  ensures r.Some? ==> 0 <= r.value < |xs| && xs[r.value] == key
  ensures r.None? ==> forall i :: 0 <= i < |xs| ==> xs[i] != key
{
  var low := 0;
  var high := |xs|;
  while low < high
    invariant 0 <= low <= high <= |xs|
    invariant forall i :: 0 <= i < low ==> xs[i] != key
    invariant forall i :: high <= i < |xs| ==> xs[i] != key
    decreases high - low
  {
    var middle := (low + high) / 2;
    if xs[middle] == key {
      return Some(middle);
    }
    if xs[middle] < key {
      low := middle + 1;
    } else {
      high := if low > middle - 1 then low else middle - 1;
    }
  }
  return None;
}
