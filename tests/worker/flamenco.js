// SPDX-License-Identifier: GPL-3.0-or-later
// Stands in for Flamenco's Manager: compiles a job type and prints its tasks as JSON.
//     node flamenco.js JOB_TYPE.js '{"key": value, ...}'
const fs = require("fs");
const vm = require("vm");

function frameChunker(frames, size) {
    const all = [];
    for (const part of frames.split(",")) {
        const ends = part.trim().split("-").map(Number);
        for (let at = ends[0]; at <= ends[ends.length - 1]; at++) all.push(at);
    }
    const chunks = [];
    for (let at = 0; at < all.length; at += size) {
        const some = all.slice(at, at + size);
        const last = some[some.length - 1];
        const whole = last - some[0] === some.length - 1;
        chunks.push(some.length === 1 ? `${last}` : whole ? `${some[0]}-${last}` : some.join(","));
    }
    return chunks;
}

const author = {
    Task: (name, type) => ({
        name, type, commands: [], dependencies: [],
        addCommand(command) { this.commands.push(command); },
        addDependency(task) { this.dependencies.push(task.name); },
    }),
    Command: (name, parameters) => ({ name, parameters }),
};

const tasks = [];
const context = vm.createContext({ author, frameChunker, console });
vm.runInContext(fs.readFileSync(process.argv[2], "utf8"), context);
const type = vm.runInContext("JOB_TYPE", context);
const settings = {};
for (const setting of type.settings) settings[setting.key] = setting.default;
Object.assign(settings, JSON.parse(process.argv[3]));
vm.runInContext("compileJob", context)({ settings, addTask: (task) => tasks.push(task) });
console.log(JSON.stringify({ type, tasks }));
