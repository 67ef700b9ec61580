// tests/clients/play_node_redis.js -- plays script.json with node-redis: SCRIPT PORT [2|3], the protocol.
"use strict";
const {createClient} = require("redis");
const {version} = require("redis/package.json");
const {Heard, main, until} = require("./play.js");

const NAME = "node-redis";

class Player {
    #clients = new Map();

    constructor(port, protocol) {
        this.port = port;
        this.protocol = protocol;
    }

    async client(name) {
        if (!this.#clients.has(name)) {
            const made = createClient({
                RESP: this.protocol,
                socket: {host: "127.0.0.1", port: this.port, reconnectStrategy: false},
            });
            made.on("error", () => {});
            this.#clients.set(name, made);
            await made.connect();
        }
        return this.#clients.get(name);
    }

    async play(step) {
        if (step.args) {
            return (await this.client(step.on ?? "main")).sendCommand(step.args);
        }
        const main = await this.client("main");
        if (step.until) {
            return until(() => main.sendCommand(step.until), step.gives);
        }
        const client = await this.client("calls");
        if (step.call) {
            const [method, args] = step.call[NAME];
            return client[method](...(args ?? []));
        }
        if (step.scan) {
            const found = [];
            for await (const keys of client.scanIterator(
                {MATCH: step.scan.match, COUNT: step.scan.count})) {
                found.push(...keys);
            }
            return found;
        }
        if (step.pipeline) {
            let batch = client.multi();
            for (const request of step.pipeline) {
                batch = batch.addCommand(request);
            }
            try {
                return await (step.transaction ? batch.exec() : batch.execAsPipeline());
            } catch (error) {
                return error.replies ?? error;
            }
        }
        const heard = new Heard();
        if (step.listen) {
            const listener = await this.client("listener");
            const {channels, patterns, publish} = step.listen;
            await listener.subscribe(channels, (text, channel) => heard.push([null, channel, text]));
            // Which pattern it was, this client keeps to itself.
            await listener.pSubscribe(patterns, (text, channel) => heard.push(["*", channel, text]));
            const receivers = [];
            for (const [channel, text] of publish) {
                receivers.push(await client.publish(channel, text));
            }
            const all = await heard.take(receivers.reduce((sum, count) => sum + count, 0));
            await listener.unsubscribe(channels);
            await listener.pUnsubscribe(patterns);
            return {receivers, heard: all};
        }
        const monitor = await this.client("monitor");
        await monitor.monitor((line) => heard.push(line.replace(/^.*?\] /, "")));
        for (const request of step.monitor) {
            await main.sendCommand(request);
        }
        return heard.take(step.monitor.length);
    }

    close() {
        for (const client of this.#clients.values()) {
            if (client.isOpen) {
                client.destroy();
            }
        }
    }
}

const [script, port, protocol] = process.argv.slice(2);
main(`${NAME} ${version}, RESP${protocol}`, new Player(Number(port), Number(protocol)), script);
