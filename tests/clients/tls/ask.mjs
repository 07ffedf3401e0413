// Asks by node:https: for each line, whether the authority is trusted and a URL, it prints what came of it.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createInterface } from "node:readline";

const ca = readFileSync(process.argv[2]);

function ask(trusts, url) {
  const options = { headers: { Authorization: "bearer admin" }, timeout: 3000, agent: false };
  if (trusts === "trusting") options.ca = ca;
  return new Promise((resolve) => {
    const request = (url.startsWith("https") ? https : http).get(url, options, (response) => {
      response.on("error", tell);
      response.on("end", () => resolve(String(response.statusCode)));
      response.resume();
    });
    const tell = (error) => resolve(`${error.code}: ${error.message}`);
    request.on("error", tell);
    request.on("timeout", () => request.destroy(new Error("timeout")));
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const [trusts, url] = line.split(" ");
  console.log((await ask(trusts, url)).replaceAll("\n", " "));
}
