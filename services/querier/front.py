"""The page at `/`, until the console is served here: says where to look and lets a question be asked."""

from __future__ import annotations

from typing import Final

PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Weir</title>
<style>
 :root { color-scheme: light dark; --line: #8884; --dim: #888; --accent: #0a7ea4 }
 body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 3rem auto; padding: 0 1rem }
 h1 { font-weight: 600; margin: 0 } p { color: var(--dim) } a { color: var(--accent) }
 textarea { width: 100%; box-sizing: border-box; min-height: 6rem; font: 14px/1.4 ui-monospace, monospace; padding: .6rem; border: 1px solid var(--line); border-radius: 6px }
 button { font: inherit; padding: .35rem 1.1rem; border: 0; border-radius: 6px; background: var(--accent); color: #fff; cursor: pointer }
 #said { color: var(--dim); margin-left: .8rem } .scroll { overflow-x: auto }
 table { border-collapse: collapse; margin-top: 1rem; font: 13px/1.4 ui-monospace, monospace } td, th { padding: .2rem .8rem .2rem 0; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap }
 td.n { text-align: right }
</style>
<h1>Weir</h1>
<p>Who talked to whom, how fast and how well — asked in SQL. <a href="/docs">The HTTP API</a> · <a href="/v1/catalog">what can be asked for</a> · <a href="/metrics">this process</a></p>
<form id="ask"><textarea id="sql" spellcheck="false">SELECT auto_instance_0, auto_instance_1, server_port, Sum(byte) AS bytes, Avg(rtt) AS rtt
FROM network_map WHERE time > now() - 300
GROUP BY auto_instance_0, auto_instance_1, server_port ORDER BY bytes DESC LIMIT 20</textarea>
<p><button>Ask</button><span id="said">Ctrl-Enter</span></p></form><div class="scroll"><table id="answer"></table></div>
<script>
 const sql = document.getElementById("sql"), said = document.getElementById("said"), table = document.getElementById("answer");
 const cell = (row, tag, text, numeric) => { const made = document.createElement(tag); made.textContent = text; if (numeric) made.className = "n"; row.append(made); };
 async function ask(event) {
   event?.preventDefault(); said.textContent = "…"; const began = performance.now();
   let answer;
   try { answer = await (await fetch("/v1/query/", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ sql: sql.value }) })).json(); }
   catch (error) { said.textContent = String(error); return; }
   table.replaceChildren();
   if (!answer.result) { said.textContent = answer.DESCRIPTION; return; }
   const head = table.insertRow(); answer.result.columns.forEach((name, at) => cell(head, "th", name + (answer.result.schemas[at].unit ? ` [${answer.result.schemas[at].unit}]` : "")));
   for (const values of answer.result.values.slice(0, 1000)) {
     const row = table.insertRow();
     for (const value of values) cell(row, "td", value === null ? "" : typeof value === "object" ? JSON.stringify(value) : value, typeof value === "number");
   }
   said.textContent = `${answer.result.values.length} rows in ${Math.round(performance.now() - began)} ms ${answer.DESCRIPTION}`;
 }
 document.getElementById("ask").addEventListener("submit", ask);
 sql.addEventListener("keydown", event => { if (event.ctrlKey && event.key === "Enter") ask(event); });
</script></html>
"""
