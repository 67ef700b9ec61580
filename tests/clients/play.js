// tests/clients/play.js -- plays script.json with a client for Node; what both clients have in common.
//
// What a step is stands in README.md. A player has: play(step), close(). An error that is not an answer
// of the server is told apart: two servers must not agree because a client failed before it asked.
"use strict";
const fs = require("node:fs");

const SERVER_ERRORS = new Set(["ReplyError", "ErrorReply", "SimpleError", "BlobError"]);

function plain(value) {
    if (value === undefined) {
        return {failed: "undefined"};
    }
    if (typeof value === "bigint") {
        return Number(value);
    }
    if (value instanceof Error) {
        return SERVER_ERRORS.has(value.constructor.name) ? {error: value.message}
                                                         : {failed: String(value)};
    }
    if (Array.isArray(value)) {
        return value.map(plain);
    }
    if (value instanceof Set) {
        return [...value].map(plain);
    }
    if (value instanceof Map) {
        return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
    }
    if (value !== null && typeof value === "object") {
        return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
    }
    return value;
}

// The first value that satisfies `wanted` within ten seconds, else the last one.
async function until(ask, wanted) {
    const end = Date.now() + 10000;
    let answer = await ask();
    while (JSON.stringify(answer) !== JSON.stringify(wanted) && Date.now() < end) {
        answer = await ask();
    }
    return answer;
}

// Collects what a client calls back with; take(n) waits for n of them, ten seconds at most.
class Heard {
    #items = [];
    #notify = () => {};

    push(item) {
        this.#items.push(item);
        this.#notify();
    }

    take(count) {
        return new Promise((resolve) => {
            const timer = setTimeout(() => resolve(this.#items), 10000);
            this.#notify = () => {
                if (this.#items.length >= count) {
                    clearTimeout(timer);
                    resolve(this.#items);
                }
            };
            this.#notify();
        });
    }
}

async function main(client, player, script) {
    const {groups} = JSON.parse(fs.readFileSync(script, "utf-8"));
    const answers = [];
    for (const {steps} of groups) {
        for (const step of steps) {
            try {
                answers.push(plain(await player.play(Array.isArray(step) ? {args: step} : step)));
            } catch (error) {
                answers.push(plain(error));
            }
        }
    }
    player.close();
    process.stdout.write(JSON.stringify({client, answers}), () => process.exit(0));
}

module.exports = {Heard, main, until};
