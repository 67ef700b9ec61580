// tests/outside/http_cache_driver.mjs -- runs the tests of npm's http-cache-tests, as the package lies unpacked.
//
//   node http_cache_driver.mjs server PACKAGE          its origin server, on loopback; prints its port
//   node http_cache_driver.mjs run PACKAGE BASE        its tests through BASE; prints one JSON object
//
// The package's own client wants a fetch that adds nothing to what a test says, so here is one: requests as
// they are written, answers as they come, redirects not followed.
import http from 'node:http'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [what, folder, base] = process.argv.slice(2)
const module = name => import(pathToFileURL(path.resolve(folder, name)))

function plainFetch (url, init = {}) {
  return new Promise((resolve, reject) => {
    const headers = []
    for (const [name, value] of init.headers || []) headers.push(name, value)
    const request = http.request(url, { method: init.method || 'GET', agent }, answer => {
      const parts = []
      answer.on('data', part => parts.push(part))
      answer.on('error', reject)
      answer.on('end', () => {
        const fields = new Headers()
        for (let i = 0; i < answer.rawHeaders.length; i += 2) {
          try { fields.append(answer.rawHeaders[i], answer.rawHeaders[i + 1]) } catch { /* no Headers can hold it */ }
        }
        const text = Buffer.concat(parts).toString('utf8')
        resolve({ status: answer.statusCode, statusText: answer.statusMessage, headers: fields, text: async () => text })
      })
    })
    request.on('error', reject)
    const many = new Map()
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i].toLowerCase()
      many.set(name, [...(many.get(name) || []), String(headers[i + 1])])
    }
    for (const [name, values] of many) request.setHeader(name, values.length === 1 ? values[0] : values)
    if (init.body !== undefined && !many.has('content-length')) request.setHeader('Content-Length', Buffer.byteLength(init.body))
    request.setTimeout(20000, () => request.destroy(new Error('no answer in 20 s')))
    request.end(init.body)
  })
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 32 })

if (what === 'server') {
  const listen = http.Server.prototype.listen
  http.Server.prototype.listen = function (port) {
    return listen.call(this, Number(port), '127.0.0.1', () => console.log(`port ${this.address().port}`))
  }
  await module('server/server.mjs')
} else {
  const { runTests, getResults } = await module('client/runner.mjs')
  const suites = [...(await module('tests/index.mjs')).default]
  for (const name of ['surrogate-control', 'cdn-cache-control']) {
    try {
      const more = (await module(`tests/${name}.mjs`)).default
      if (!suites.includes(more)) suites.push(more)
    } catch { /* not in this version */ }
  }
  const log = console.log
  console.log = () => {}
  await runTests(suites, plainFetch, false, base, 32)
  const results = getResults()
  const out = {}
  for (const suite of suites) {
    for (const test of suite.tests) {
      if (test.browser_only === true) continue
      out[test.id] = { suite: suite.id, kind: test.kind || 'required', depends_on: test.depends_on || [], result: results[test.id] }
    }
  }
  log(JSON.stringify(out))
  process.exit(0)
}
