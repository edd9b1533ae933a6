// A person at a Matrix client with Rust crypto, as Element is one. Lines of JSON go in and out (tests/chat/human_js.py).
// node human.mjs FOLDER_OF_MATRIX_JS_SDK URL USER PASSWORD normal|strict|unsigned
const [sdkFolder, baseUrl, user, password, mode] = process.argv.slice(2);
for (const name of ["log", "info", "debug", "warn", "error", "trace"]) console[name] = () => {};
const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const from = (name) => import(`${sdkFolder}/node_modules/matrix-js-sdk/lib/${name}`);
const sdk = await from("index.js");
const { OnlySignedDevicesIsolationMode } = await from("crypto-api/index.js");
const { logger } = await from("logger.js");
logger.setLevel("silent");

const login = { type: "m.login.password", identifier: { type: "m.id.user", user }, password };
const session = await sdk.createClient({ baseUrl }).loginRequest({ ...login, initial_device_display_name: "js" });
const client = sdk.createClient({
  baseUrl,
  accessToken: session.access_token,
  userId: session.user_id,
  deviceId: session.device_id,
});
await client.initRustCrypto({ useIndexedDB: false });
const crypto = client.getCrypto();
if (mode === "strict") crypto.setDeviceIsolationMode(new OnlySignedDevicesIsolationMode());

async function show(event) {
  if (event.getSender() === client.getUserId() || !event.getId().startsWith("$")) return;
  if (event.isDecryptionFailure()) {
    return tell({ kind: "unreadable", id: event.getId(), room: event.getRoomId(), why: event.decryptionFailureReason });
  }
  if (event.getType() !== "m.room.message") return;
  const info = event.isEncrypted() ? await crypto.getEncryptionInfoForEvent(event) : null;
  tell({
    kind: "message",
    id: event.getId(),
    room: event.getRoomId(),
    sender: event.getSender(),
    encrypted: event.isEncrypted(),
    shield: info && info.shieldColour,
    why: info && info.shieldReason,
    content: event.getContent(),
    relation: event.getWireContent()["m.relates_to"] || null,
  });
}
client.on("Event.decrypted", show);
client.on("Room.timeline", (event) => event.getType() === "m.room.message" && show(event));

client.on("RoomMember.membership", (event, member) => {
  tell({ kind: "member", room: member.roomId, user: member.userId, is: member.membership });
});

const verbs = {
  create: ({ version, invite, direct }) =>
    client.createRoom({
      room_version: version,
      invite,
      is_direct: direct,
      preset: "private_chat",
      initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
    }),
  join: async ({ room }) => (await client.joinRoom(room), {}),
  send: ({ room, content }) => client.sendMessage(room, { msgtype: "m.text", ...content }),
  // A request past the client: events and keys as it would not make them.
  raw: ({ method, path, body }) => client.http.authedRequest(method, path, undefined, body),
  // What "Verify" in a person's profile does.
  ask: async ({ user, room }) => (await crypto.requestVerificationDM(user, room), {}),
  // What /verify DEVICE KEY does in Element, for a device of one's own account.
  verify: async ({ device }) => (await crypto.crossSignDevice(device), {}),
  // What /discardsession does in Element.
  discard: async ({ room }) => (await crypto.forceDiscardSession(room), {}),
};
await client.startClient({ initialSyncLimit: 20 });
if (mode !== "unsigned") {
  await crypto.bootstrapCrossSigning({
    authUploadDeviceSigningKeys: (make) => make({ ...login, user }),
    setupNewCrossSigning: true,
  });
}
tell({ kind: "ready", user: client.getUserId(), device: client.getDeviceId(), crypto: crypto.getVersion() });

let rest = "";
process.stdin.on("data", async (bytes) => {
  const lines = (rest + bytes).split("\n");
  rest = lines.pop();
  for (const line of lines) {
    const { number, verb, ...what } = JSON.parse(line);
    try {
      tell({ kind: "done", number, answer: await verbs[verb](what) });
    } catch (error) {
      tell({ kind: "done", number, error: String(error.message || error) });
    }
  }
});
process.stdin.on("end", () => process.exit(0));
