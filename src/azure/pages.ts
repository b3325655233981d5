/** As many pages as any list that we ask for can have; with more a server goes in circles. */
export const mostPages = 1000;

/** A list of an SDK's. */
interface Paged<Item> {
  byPage(): AsyncIterable<Item[]>;
}

/** All items of a list. Throws when it has no end. */
export async function itemsOf<Item>(list: Paged<Item>): Promise<Item[]> {
  const items: Item[] = [];
  let pages = 0;
  for await (const page of list.byPage()) {
    items.push(...page);
    pages += 1;
    if (pages === mostPages) throw new Error(`more than ${mostPages} pages`);
  }
  return items;
}
