import * as z from 'zod';

/** What a cluster's report says beside what became of its nodes. */
export const noteKinds = [
  'channel', // the node OS channel, and what it means for the sentinel
] as const;

export const noteSchema = z.object({ kind: z.enum(noteKinds), value: z.string() });
export type Note = z.infer<typeof noteSchema>;

/**
 * What a cluster's node OS channel means for the sentinel
 * (learn.microsoft.com/azure/aks/auto-upgrade-node-os-image).
 *
 * @param channel as ARM says it; empty where it says none
 */
export function channelMeaning(channel: string): string {
  switch (channel.toLowerCase()) {
    case 'unmanaged':
      return 'Unmanaged: nodes patch themselves, and nobody else reboots them';
    case 'securitypatch':
      return 'SecurityPatch: AKS patches nodes and reimages them when it has to';
    case 'none':
      return 'None: nodes need a reboot only after somebody patched them';
    default:
      return (
        `${channel || 'NodeImage (the default)'}: AKS replaces images, and the ` +
        'reboot-required file practically never exists'
      );
  }
}
