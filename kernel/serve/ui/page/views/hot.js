// views/hot.js -- the keys that are read most, as the kernel's sample of reads tells them.
import {h} from "../dom.js";
import {bytes, percent, span} from "../format.js";
import {bar, Table} from "../table.js";

/** The `most` hottest of all namespaces, or of one. */
export function hotKeys(most, space = "") {
  const table = new Table({
    caption: "Hot keys", keyOf: (row) => `${row.namespace} ${row.key}`,
    empty: "No key stands out, or this token may not see keys: those of the roles invalidate and admin may. One read in a thousand is looked at.",
    columns: [
      {title: "Key", kind: "text mono", of: (row) => `${row.namespace}:${row.key}`},
      {title: "Share of reads", kind: "number", cell: (cell, row) => bar(cell, row.share, percent(row.share), "plum")},
      {title: "Size", kind: "number", of: (row) => bytes(row.bytes)},
      {title: "Time saved", kind: "number", of: (row) => span(row.saved)},
    ],
  });
  return {
    element: table,
    update(now) {
      const rows = [];
      for (const one of now.spaces.values())
        if (!space || one.name === space)
          for (const key of one.hot)
            rows.push({namespace: one.name, key: key.key, weight: key.reads, bytes: key.bytes ?? null,
              saved: key.load_ms ? key.reads * key.load_ms / 1000 : null});
      let all = 0;
      for (const one of now.spaces.values()) if (!space || one.name === space) all += one.sampled;
      table.update(rows.map((row) => ({...row, share: all ? Math.min(1, row.weight / all) : null})).sort((a, b) => b.weight - a.weight).slice(0, most));
    },
  };
}
