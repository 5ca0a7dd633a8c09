// Lists of wallets and of what is missing. Everything that comes from outside is shown as text.

import { missingSentence } from "./sentence.js";

/** An element with text and children. */
export function element(name, { text, className, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  made.append(...children.filter(Boolean));
  return made;
}

/**
 * A button a wallet.
 * @param {import("./wallets.js").Wallet[]} wallets
 * @param {(wallet: import("./wallets.js").Wallet) => void} chosen
 */
export function walletItems(wallets, chosen, isBusy = false) {
  return wallets.map((wallet) => {
    const icon = wallet.icon ? element("img", { src: wallet.icon, alt: "", width: 28, height: 28 }) : element("span", { className: "no-icon", ariaHidden: "true" });
    const button = element("button", { type: "button", disabled: isBusy, className: "wallet" },
      icon, element("span", { className: "name", text: wallet.name }), element("span", { className: "family", text: wallet.family }));
    button.addEventListener("click", () => chosen(wallet));
    return element("li", {}, button);
  });
}

/** A condition that is missing, or several of which one or all are needed. */
export function missingItem(condition) {
  const several = ["any", "all"].find((word) => Array.isArray(condition[word]));
  if (several) {
    const list = element("ul", {}, ...condition[several].map(missingItem));
    return element("li", { className: "several" }, element("span", { text: several === "any" ? "One of these is enough:" : "All of these:" }), list);
  }
  const { text, why, contract, link } = missingSentence(condition);
  return element("li", {},
    element("span", { text }),
    why && element("span", { className: "why", text: why }),
    (contract || link) && element("span", { className: "where" },
      contract && element("code", { text: contract }),
      link && element("a", { href: link, rel: "noopener noreferrer", target: "_blank", text: `Get it at ${new URL(link).host}` })),
  );
}
