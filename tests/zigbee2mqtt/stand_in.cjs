// Stands in for the radio of a real Zigbee2MQTT: `node --require` loads it first. Every device of the database answers at
// once that it did what it was told; everything above the radio is Zigbee2MQTT's own.
"use strict";

const path = require("node:path");
const { createRequire } = require("node:module");

const herdsman = createRequire(path.resolve(process.argv[1]))("zigbee-herdsman/dist/adapter/adapter.js");

const COORDINATOR = "0x00124b00120144ae";

class StandIn extends herdsman.Adapter {
    async start() {
        return "resumed";
    }
    async stop() {}
    async getCoordinatorIEEE() {
        return COORDINATOR;
    }
    async getCoordinatorVersion() {
        return { type: "stand-in", meta: {} };
    }
    async getNetworkParameters() {
        return { panID: this.networkOptions.panID, extendedPanID: "0xdddddddddddddddd", channel: 11, nwkUpdateID: 0 };
    }
    async supportsBackup() {
        return false;
    }
    async reset() {}
    async permitJoin() {}
    async addInstallCode() {}
    waitFor() {
        return { promise: new Promise(() => {}), cancel() {} };
    }
    async sendZdo() {
        throw new Error("nothing is asked of the network here");
    }
    // No answer beside the acknowledgement is what a command that worked has.
    async sendZclFrameToEndpoint() {}
    async sendZclFrameToGroup(group, frame) {
        console.log(`stand-in: group ${group} ${frame.cluster.name} ${frame.command.name}`);
    }
    async sendZclFrameToAll() {}
    async setChannelInterPAN() {}
    async sendZclFrameInterPANToIeeeAddr() {}
    async sendZclFrameInterPANBroadcast() {}
    async restoreChannelInterPAN() {}
}

herdsman.Adapter.create = async (network, port, backup, options) => new StandIn(network, port, backup, options);
