/** A wallet, or the person who holds it, would not; the message is for that person. */
export class Declined extends Error {}
