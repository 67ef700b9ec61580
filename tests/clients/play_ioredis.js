// tests/clients/play_ioredis.js -- plays script.json with ioredis: SCRIPT PORT.
"use strict";
const Redis = require("ioredis");
const {version} = require("ioredis/package.json");
const {Heard, main, until} = require("./play.js");

const NAME = "ioredis";

class Player {
    #clients = new Map();

    constructor(port) {
        this.port = port;
    }

    client(name) {
        if (!this.#clients.has(name)) {
            const made = new Redis({host: "127.0.0.1", port: this.port, retryStrategy: null});
            made.on("error", () => {});
            this.#clients.set(name, made);
        }
        return this.#clients.get(name);
    }

    async play(step) {
        if (step.args) {
            return this.client(step.on ?? "main").call(...step.args);
        }
        const main = this.client("main");
        if (step.until) {
            return until(() => main.call(...step.until), step.gives);
        }
        const client = this.client("calls");
        if (step.call) {
            const [method, args] = step.call[NAME];
            return client[method](...(args ?? []));
        }
        if (step.scan) {
            const found = [];
            for await (const keys of client.scanStream(step.scan)) {
                found.push(...keys);
            }
            return found;
        }
        if (step.pipeline) {
            const requests = step.pipeline.map(([name, ...args]) => ["call", name, ...args]);
            const batch = step.transaction ? client.multi(requests) : client.pipeline(requests);
            return (await batch.exec()).map(([error, answer]) => error ?? answer);
        }
        const heard = new Heard();
        if (step.listen) {
            const listener = this.client("listener");
            const {channels, patterns, publish} = step.listen;
            listener.on("message", (channel, text) => heard.push([null, channel, text]));
            listener.on("pmessage", (pattern, channel, text) => heard.push([pattern, channel, text]));
            await listener.subscribe(...channels);
            await listener.psubscribe(...patterns);
            const receivers = [];
            for (const [channel, text] of publish) {
                receivers.push(await client.publish(channel, text));
            }
            const all = await heard.take(receivers.reduce((sum, count) => sum + count, 0));
            await listener.unsubscribe(...channels);
            await listener.punsubscribe(...patterns);
            return {receivers, heard: all};
        }
        const monitor = await client.monitor();
        this.#clients.set("monitor", monitor);
        monitor.on("monitor", (_time, args) => heard.push(args));
        for (const request of step.monitor) {
            await main.call(...request);
        }
        return heard.take(step.monitor.length);
    }

    close() {
        for (const client of this.#clients.values()) {
            client.disconnect();
        }
    }
}

const [script, port] = process.argv.slice(2);
main(`${NAME} ${version}`, new Player(Number(port)), script);
