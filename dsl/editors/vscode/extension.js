// dsl/editors/vscode/extension.js -- starts `larder lsp` for policies, and again when its settings change.
'use strict';

const vscode = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

let client;

function settings() {
  return vscode.workspace.getConfiguration('larder');
}

async function start() {
  const given = settings();
  const command = given.get('path') || 'larder';
  const run = { command, args: ['lsp', '--stdio'] };
  client = new LanguageClient('larder', 'larder', { run, debug: run }, {
    documentSelector: [{ language: 'larder' }],
    initializationOptions: { conf: given.get('conf') || '', profile: given.get('profile') || '' },
    synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher('**/*.{larder,toml}') },
  });
  try {
    await client.start();
  } catch (error) {
    vscode.window.showErrorMessage(`larder: \`${command} lsp\` does not start: ${error.message}. ` +
      'The setting larder.path says where the program is.');
  }
}

async function stop() {
  const running = client;
  client = undefined;
  if (running && running.isRunning()) await running.stop();
}

async function activate(context) {
  const again = async () => {
    await stop();
    await start();
  };
  context.subscriptions.push(
    vscode.commands.registerCommand('larder.restart', again),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (['path', 'conf', 'profile'].some((name) => change.affectsConfiguration(`larder.${name}`))) return again();
    }));
  await start();
}

module.exports = { activate, deactivate: stop };
