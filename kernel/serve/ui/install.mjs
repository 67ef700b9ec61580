// install.mjs NPM FOLDER -- npm ci in a folder that holds package.json and its lock; says what to do if it cannot.
import {spawnSync} from "node:child_process";
import {writeFileSync} from "node:fs";
import {join} from "node:path";

const [npm, folder] = process.argv.slice(2);
const ran = spawnSync(npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=2", "--fetch-retry-mintimeout=1000",
  "--fetch-retry-maxtimeout=5000", "--fetch-timeout=30000"],
  {cwd: folder, encoding: "utf8", timeout: 180_000});
if (ran.status !== 0) {
  const registry = spawnSync(npm, ["config", "get", "registry"], {cwd: folder, encoding: "utf8"}).stdout?.trim();
  console.error(`${ran.stdout ?? ""}${ran.stderr ?? ""}`);
  console.error(`The page of the admin server needs uPlot, and npm could not get it from ${registry}. Can it be reached?`);
  console.error("To build without the page: cmake -DLARDER_UI=OFF, or LARDER_UI=OFF ./quickstart");
  process.exit(1);
}
writeFileSync(join(folder, "installed"), "");
