// One value that all tabs of this address read as it was last written. IndexedDB, since localStorage reaches tabs of other processes only in a while,
// and a refresh token of a moment ago is one that was used before.

const NAME = "streamgate";
const STORE = "session";
const KEY = "now";

/** @returns {Promise<any>} what was written last; `undefined`: nothing */
export const read = () => within("readonly", (store) => store.get(KEY));

/** Writes a value that can be cloned; `undefined` takes it away. */
export const write = (value) => within("readwrite", (store) => (value === undefined ? store.delete(KEY) : store.put(value, KEY)));

async function within(mode, act) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error ?? new Error("the browser's storage is blocked"));
  });
}
