/** Server-side printing: the API answers with a table where the client asks for one. */
import type { Call } from './answer.ts';
import { defaultColumns, type Columns } from './columns.ts';
import type { ApiObject } from './objects.ts';

export interface TableWanted {
  version: 'v1' | 'v1beta1';
  include: 'Metadata' | 'Object' | 'None';
}

/** Which table the client asks for; undefined when it wants the objects. */
export function tableWanted({ accept, query }: Call): TableWanted | undefined {
  for (const part of accept.split(',')) {
    const match = /application\/json;.*as=Table/.exec(part);
    if (match === null) continue;
    const include = query.get('includeObject');
    return {
      version: part.includes('v=v1beta1') ? 'v1beta1' : 'v1',
      include: include === 'Object' || include === 'None' ? include : 'Metadata',
    };
  }
  return undefined;
}

export function asTable<T extends ApiObject>(
  objects: readonly T[],
  columns: Columns<T> = defaultColumns,
  options: TableWanted & { list: object; now: number; present: (object: T) => ApiObject },
) {
  const { version, include, list, now, present } = options;
  const apiVersion = `meta.k8s.io/${version}`;
  return {
    kind: 'Table',
    apiVersion,
    metadata: list,
    columnDefinitions: columns.map(({ name, type = 'string', wide }) => ({
      name,
      type,
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority: wide === true ? 1 : 0,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object, now)),
      ...(include === 'None' ? {} : { object: rowObject(object, include, apiVersion, present) }),
    })),
  };
}

function rowObject<T extends ApiObject>(
  object: T,
  include: 'Metadata' | 'Object',
  apiVersion: string,
  present: (object: T) => ApiObject,
) {
  if (include === 'Object') return present(object);
  return { kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata };
}
