import type { SettingsDocument } from '../../src/policy/settings.ts';
import type { SettingsChange } from './scenario.ts';

/** One installation's settings document, as people change it. */
export interface SettingsDesk {
  /** As each step reads it. */
  readonly text: string;
  /** What was valid when, oldest first. */
  readonly history: readonly { at: number; document: SettingsDocument }[];
  /** Lays a change over the document; returns how to take it away. */
  change(change: SettingsChange): () => void;
  /** Puts something in its place that is no settings document; returns how to take it away. */
  spoil(text: string): () => void;
}

export function createSettingsDesk(given: SettingsDocument, now: () => number): SettingsDesk {
  const changes = new Set<SettingsChange>();
  const spoils = new Set<string>();
  const document = () => [...changes].reduce(overlaid, given);
  const history = [{ at: now(), document: given }];
  const note = () => history.push({ at: now(), document: document() });
  return {
    history,
    get text() {
      const [spoiled] = spoils;
      return spoiled ?? JSON.stringify(document());
    },
    change(change) {
      changes.add(change);
      note();
      return () => {
        changes.delete(change);
        note();
      };
    },
    spoil(text) {
      spoils.add(text);
      return () => void spoils.delete(text);
    },
  };
}

const overlaid = (document: SettingsDocument, change: SettingsChange): SettingsDocument => ({
  ...document,
  ...change,
  defaults: { ...document.defaults, ...change.defaults },
});
