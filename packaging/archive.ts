import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';

interface Entry {
  /** With forward slashes. */
  path: string;
  data: Buffer;
}

/**
 * The files of a folder as a ZIP archive: the same bytes for the same files, whenever and wherever
 * it is made (with the same Node.js, whose zlib packs it).
 */
export function archiveOf(folder: string): Buffer {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry): Entry => {
      const file = join(entry.parentPath, entry.name);
      const path = file.slice(folder.length + 1).replaceAll('\\', '/');
      return { path, data: readFileSync(file) };
    });
  return zip(entries);
}

/**
 * Sorted, one time, one mode. PKWARE's APPNOTE 6.3: each file's header and data, then the central
 * directory, then its end. More than 65,535 files or 4 GB would need ZIP64, and throw.
 */
function zip(entries: readonly Entry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, data } of sorted) {
    const name = Buffer.from(path, 'utf8');
    const packed = deflateRawSync(data, { level: 9 });
    const fields = commonFields(name, data, packed);
    parts.push(Buffer.concat([signature(0x04034b50), fields, name, packed]));
    directory.push(Buffer.concat([centralHeader(fields, offset), name]));
    offset += 4 + fields.length + name.length + packed.length;
  }
  const central = Buffer.concat(directory);
  return Buffer.concat([...parts, central, endOfDirectory(sorted.length, central.length, offset)]);
}

/** 1 January 1980, 00:00: the earliest that the format knows. */
const dosTime = 0;
const dosDate = 0x21;
const version = 20;
const utf8Names = 0x0800;
const deflated = 8;
const madeOnUnix = 3 << 8;
/** A regular file, rw-r--r--. */
const mode = 0o100644;

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** What a local header and its entry in the central directory have in common. */
function commonFields(name: Buffer, data: Buffer, packed: Buffer): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(version, 0);
  fields.writeUInt16LE(utf8Names, 2);
  fields.writeUInt16LE(deflated, 4);
  fields.writeUInt16LE(dosTime, 6);
  fields.writeUInt16LE(dosDate, 8);
  fields.writeUInt32LE(crc32(data), 10);
  fields.writeUInt32LE(packed.length, 14);
  fields.writeUInt32LE(data.length, 18);
  fields.writeUInt16LE(name.length, 22);
  return fields;
}

function centralHeader(fields: Buffer, offset: number): Buffer {
  const madeBy = Buffer.alloc(2);
  madeBy.writeUInt16LE(madeOnUnix | version);
  const rest = Buffer.alloc(14);
  rest.writeUInt32LE((mode << 16) >>> 0, 6);
  rest.writeUInt32LE(offset, 10);
  return Buffer.concat([signature(0x02014b50), madeBy, fields, rest]);
}

function endOfDirectory(entries: number, size: number, offset: number): Buffer {
  const fields = Buffer.alloc(18);
  fields.writeUInt16LE(entries, 4);
  fields.writeUInt16LE(entries, 6);
  fields.writeUInt32LE(size, 8);
  fields.writeUInt32LE(offset, 12);
  return Buffer.concat([signature(0x06054b50), fields]);
}
