// What record.sh serves.
struct Item { 1: string name, 2: double price, 3: list<i32> sizes, 4: map<string, string> labels, 5: bool sold }
exception Refused { 1: string why, 2: i32 code }
service Shop {
  Item find(1: string name, 2: i32 depth),
  list<Item> all(1: i32 count),
  void put(1: Item item) throws (1: Refused refused),
  void crash(),
  oneway void forget(1: i32 id)
}
service More extends Shop { void missing() }
