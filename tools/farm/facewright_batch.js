// SPDX-License-Identifier: GPL-3.0-or-later
// A job type for Flamenco: a batch of voices, in chunks of rows, then a report.
// Put it into the folder "scripts" beside flamenco-manager; docs/batch.md says the rest.

const JOB_TYPE = {
    label: "Facewright Batch",
    description: "Turn the voices of a manifest into facial animation",
    settings: [
        { key: "manifest", type: "string", subtype: "file_path", required: true,
          description: "Manifest on the shared storage, one voice a line" },
        { key: "order", type: "string", subtype: "file_path", required: true,
          description: "What all rows have in common, as Facewright's panel saves it" },
        { key: "output", type: "string", subtype: "dir_path", required: true,
          description: "Folder on the shared storage that files are written to" },
        { key: "rows", type: "string", required: true,
          description: "Rows of the manifest, counted from 0. Examples: '0-199', '3, 5-10'" },
        { key: "chunk_size", type: "int32", default: 16,
          description: "Rows of one task; the model is opened once for each task" },
        { key: "jobs", type: "int32", default: 0, visible: "submission",
          description: "Processes of one task; 0 takes one for each core or graphics card" },
        { key: "options", type: "string", default: "", visible: "submission",
          description: "More words for the command, such as --accept-licence" },

        // Variables of the Manager's configuration, so that they may differ between systems
        { key: "python", type: "string", default: "{facewrightPython}", visible: false,
          description: "Python of a Blender in which Facewright is installed" },
        { key: "batch", type: "string", default: "{facewrightBatch}", visible: false,
          description: "Path of Facewright's worker/batch.py" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    const options = (settings.options || "").split(" ").filter(function (word) { return word; });
    const common = [
        "--manifest", settings.manifest, "--order", settings.order, "--out", settings.output,
    ].concat(options);
    const report = author.Task("report", "misc");
    const chunks = frameChunker(settings.rows, settings.chunk_size);
    for (let at = 0; at < chunks.length; at++) {
        const task = author.Task("rows-" + chunks[at], "misc");
        // A row that fails is told by the report; it must not fail the other rows of its task
        const words = ["--no-fail", "--jobs", String(settings.jobs || 0), "--rows", chunks[at]];
        task.addCommand(command(settings, words.concat(common)));
        job.addTask(task);
        report.addDependency(task);
    }
    report.addCommand(command(settings, ["report", "--rows", settings.rows].concat(common)));
    job.addTask(report);
}

function command(settings, words) {
    return author.Command("exec", { exe: settings.python, args: [settings.batch].concat(words) });
}
