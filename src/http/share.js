// The page of a shared track, album, artist or playlist: what it is, and its sound. What it shows comes from the API, and
// is put in as text, never as HTML.
"use strict";

const kept = "segue token";
const find = (selector) => document.querySelector(selector);
const say = (text) => { find("[role=status]").textContent = text; };

// .../track/0123456789abcdef, with whatever the server is published under before it
const [noun, id] = location.pathname.split("/").slice(-2);
const paths = {
  track: [`tracks/${id}`, null],
  album: [`albums/${id}`, `albums/${id}/tracks?limit=50`],
  artist: [`artists/${id}`, `artists/${id}/top-tracks`],
  playlist: [`playlists/${id}`, `playlists/${id}/tracks?limit=50`],
};

class LoggedOut extends Error {}

const ask = async (path, options = {}) => {
  const response = await fetch(`../v1/${path}`, {
    ...options,
    headers: { "content-type": "application/json", authorization: `Bearer ${sessionStorage.getItem(kept)}` },
  });
  const answer = await response.json();
  if (response.status === 401) throw new LoggedOut(answer.error.message);
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
};

const names = (things) => (things ?? []).map((thing) => thing.name).join(", ");

const item = (track) => {
  const row = document.createElement("li");
  const title = document.createElement("span");
  title.textContent = `${track.name} · ${names(track.artists)}`;
  row.append(title);
  if (track.audio_url) {
    const audio = document.createElement("audio");
    Object.assign(audio, { controls: true, preload: "none", src: track.audio_url });
    audio.addEventListener("play", () => {
      document.querySelectorAll("audio").forEach((other) => { if (other !== audio) other.pause(); });
    });
    row.append(audio);
  }
  return row;
};

const show = async () => {
  const [one, list] = paths[noun];
  const thing = await ask(one);
  const tracks = list ? await ask(list) : { tracks: [thing] };
  const found = tracks.tracks ?? tracks.items.map((entry) => entry.track ?? entry);
  document.title = `${thing.name} · Segue`;
  find("main h1").textContent = thing.name;
  find("#by").textContent = noun === "track" ? `${names(thing.artists)} · ${thing.album.name}` : names(thing.artists);
  const cover = thing.cover_url ?? thing.images?.[0]?.url;
  if (cover) Object.assign(find("img"), { src: cover, hidden: false });
  find("ol").replaceChildren(...found.filter(Boolean).map(item));
  find("main").hidden = false;
  find("form").hidden = true;
  say("");
};

const attempt = async (work) => {
  try {
    await work();
    await show();
  } catch (error) {
    if (error instanceof LoggedOut) find("form").hidden = false;
    if (!(error instanceof LoggedOut) || sessionStorage.getItem(kept)) say(error.message);
    if (error instanceof LoggedOut) sessionStorage.removeItem(kept);
  }
};

find("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
  attempt(async () => {
    sessionStorage.setItem(kept, (await ask("auth/login", { method: "POST", body })).token);
  });
});

attempt(async () => {});
