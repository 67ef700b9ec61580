// embed.mjs OUT.cpp FOLDER [PREFIX=FILE]... -- files of a page as C++: as they are, and compressed with brotli.
//
// Each file has a tag made of its content, so that a browser that has it is told so. The whole page has a limit; a
// build that exceeds it fails and says by how much.
import {createHash} from "node:crypto";
import {readdirSync, readFileSync, writeFileSync} from "node:fs";
import {basename, extname, join, relative} from "node:path";
import {brotliCompressSync, constants} from "node:zlib";

const limit = 60_000;
const types = {
  ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml", "": "text/plain; charset=utf-8",
};

const [out, folder, ...others] = process.argv.slice(2);
const files = readdirSync(folder, {recursive: true, withFileTypes: true})
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .map((path) => ({name: relative(folder, path), path}));
for (const other of others) {
  const [prefix, path] = other.split("=");
  files.push({name: `${prefix}/${basename(path)}`, path});
}
files.sort((a, b) => (a.name < b.name ? -1 : 1));

const array = (name, bytes) => {
  const lines = [];
  for (let i = 0; i < bytes.length; i += 32) lines.push(`    ${[...bytes.subarray(i, i + 32)].join(",")},`);
  return `constexpr unsigned char ${name}[] = {\n${lines.join("\n")}\n};\n`;
};

let text = `// ${basename(out)} -- the page, written by embed.mjs.\n#include "kernel/serve/ui/page.hpp"\n\nnamespace larder::serve {\nnamespace {\n\n`;
const rows = [];
let sum = 0;
files.forEach(({name, path}, i) => {
  const plain = readFileSync(path);
  const type = types[extname(name)];
  if (type === undefined) throw new Error(`${name}: what type is that?`);
  const packed = brotliCompressSync(plain, {params: {[constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length}});
  const tag = createHash("sha256").update(plain).digest("hex").slice(0, 16);
  sum += packed.length;
  text += array(`plain_${i}`, plain) + array(`brotli_${i}`, packed);
  rows.push(`    {${JSON.stringify(name)}, ${JSON.stringify(type)}, "\\"${tag}\\"", text(plain_${i}), text(brotli_${i})},`);
});
if (sum > limit) {
  console.error(`The page has ${sum} bytes compressed; ${limit} is its limit.`);
  process.exit(1);
}
text += `
template <std::size_t N>
std::string_view text(const unsigned char (&bytes)[N]) {
    return {reinterpret_cast<const char*>(bytes), N};
}

}  // namespace

std::span<const PageFile> page_files() {
    static const PageFile files[] = {
${rows.map((row) => `    ${row}`).join("\n")}
    };
    return files;
}

}  // namespace larder::serve
`;
writeFileSync(out, text);
console.log(`The page: ${files.length} files, ${sum} bytes compressed`);
