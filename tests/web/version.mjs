/** Whether this Node is new enough, for make. */
process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1);
