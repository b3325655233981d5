/**
 * Kubernetes' protobuf, as far as kubectl sends it: since 1.33 its typed clients encode the options
 * of a deletion so (k8s.io/apimachinery pkg/runtime/serializer/protobuf and
 * pkg/apis/meta/v1/generated.proto). Everything else still comes as JSON.
 */
import type { JsonObject } from './json.ts';

export const protobufType = 'application/vnd.kubernetes.protobuf';

const magic = 'k8s\0';

type Field = { number: number; value: bigint } | { number: number; value: Buffer };

/**
 * Decodes a `DeleteOptions`.
 *
 * @param body one character a byte
 * @throws Error when it is anything else
 */
export function decodeDeleteOptions(body: string): JsonObject {
  if (!body.startsWith(magic)) throw new Error('not Kubernetes protobuf');
  // runtime.Unknown: 1 is the type, 2 the object.
  const envelope = fieldsOf(Buffer.from(body.slice(magic.length), 'latin1'));
  const type = fieldsOf(bytesIn(envelope, 1));
  const kind = bytesIn(type, 2).toString('utf8');
  if (kind !== 'DeleteOptions') throw new Error(`protobuf of ${kind || 'no kind'}`);
  const fields = fieldsOf(bytesIn(envelope, 2));
  const gracePeriodSeconds = fields.find(({ number }) => number === 1)?.value;
  const preconditions = fieldsOf(bytesIn(fields, 2));
  const uid = bytesIn(preconditions, 1).toString('utf8');
  const dryRun = fields.flatMap(({ number, value }) =>
    number === 5 && value instanceof Buffer ? [value.toString('utf8')] : [],
  );
  return {
    kind,
    ...(typeof gracePeriodSeconds === 'bigint'
      ? { gracePeriodSeconds: Number(BigInt.asIntN(64, gracePeriodSeconds)) }
      : {}),
    ...(uid === '' ? {} : { preconditions: { uid } }),
    ...(dryRun.length === 0 ? {} : { dryRun }),
  };
}

/** A message's fields in their order (protobuf.dev, "Encoding"): numbers, and what has a length. */
function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at);
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    switch (tag & 7) {
      case 0:
        fields.push({ number, value: varint() });
        break;
      case 2: {
        const length = Number(varint());
        fields.push({ number, value: message.subarray(at, at + length) });
        at += length;
        break;
      }
      default:
        throw new Error(`wire type ${tag & 7}`);
    }
  }
  return fields;
}

function bytesIn(fields: readonly Field[], wanted: number): Buffer {
  const found = fields.find(({ number }) => number === wanted)?.value;
  return found instanceof Buffer ? found : Buffer.alloc(0);
}
