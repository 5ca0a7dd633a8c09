// The tree of a rule on the page: a sentence a condition, and what can be done with each.

import { isGroup, leafSentence, parts } from "./rule.js";

/**
 * Shows `node` in `place`.
 * @param {{edit: (path: number[]) => void, remove: (path: number[]) => void, add: (path: number[]) => void,
 *   wrap: (path: number[]) => void, turn: (path: number[], word: string) => void}} does
 */
export function showTree(place, node, does) {
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.does : null;
  place.replaceChildren(node === undefined ? text("p", "There is no condition yet: nobody may watch.", "quiet") : shown(node, [], does));
  if (focused) [...place.querySelectorAll("[data-does]")].find((button) => button.dataset.does === focused)?.focus();
}

function shown(node, path, does, isNot = false) {
  const [kind, value] = parts(node);
  if (kind === "not" && isGroup(value)) return group(value, [...path, 0], does, true);
  if (kind === "not") return leaf(leafSentence(value, true), path, does);
  if (isGroup(node)) return group(node, path, does, isNot);
  return leaf(leafSentence(node), path, does);
}

function leaf(words, path, does) {
  const made = text("div", "", "leaf");
  made.append(text("span", words, "words"), button("Change", words, path, does.edit), button("With another", words, path, does.wrap), button("Remove", words, path, does.remove));
  return made;
}

function group(node, path, does, isNot) {
  const [word, nodes] = parts(node);
  const made = document.createElement("fieldset");
  made.className = "group";
  const legend = document.createElement("legend");
  const select = document.createElement("select");
  select.dataset.does = `turn ${path}`;
  select.setAttribute("aria-label", "How these conditions belong together");
  select.append(new Option("all of these", "all", false, word === "all"), new Option("one of these", "any", false, word === "any"));
  select.addEventListener("change", () => does.turn(path, select.value));
  legend.append(isNot ? "not " : "", select);
  const list = document.createElement("ul");
  list.append(...nodes.map((one, n) => {
    const item = document.createElement("li");
    item.append(shown(one, [...path, n], does));
    return item;
  }));
  made.append(legend, list, button("Add to these", `${word === "all" ? "all" : "one"} of these`, path, does.add));
  return made;
}

function button(label, about, path, act) {
  const made = text("button", label, "plain small");
  made.type = "button";
  made.dataset.does = `${label} ${path}`;
  made.setAttribute("aria-label", `${label}: ${about}`);
  made.addEventListener("click", () => act(path));
  return made;
}

function text(name, words, className) {
  const made = document.createElement(name);
  made.textContent = words;
  made.className = className;
  return made;
}

