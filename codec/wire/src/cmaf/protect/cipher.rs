//! The pattern over AES-128 in CBC (ISO/IEC 23001-7 sections 9.5 and 9.6): chained from one encrypted block to the next, begun anew with
//! the constant vector in every range.

use aes::Aes128;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};

use super::BLOCK_BYTES;

/// Encrypts a range where it is. Blocks that are not whole stay in the clear.
pub fn encrypt(key: &[u8; 16], iv: &[u8; 16], pattern: (u8, u8), range: &mut [u8]) {
    let mut cipher = cbc::Encryptor::<Aes128>::new(&(*key).into(), &(*iv).into());
    for block in blocks(pattern, range) {
        let mut one = aes::Block::from(*block);
        cipher.encrypt_block(&mut one);
        *block = one.into();
    }
}

/// The way back.
pub fn decrypt(key: &[u8; 16], iv: &[u8; 16], pattern: (u8, u8), range: &mut [u8]) {
    let mut cipher = cbc::Decryptor::<Aes128>::new(&(*key).into(), &(*iv).into());
    for block in blocks(pattern, range) {
        let mut one = aes::Block::from(*block);
        cipher.decrypt_block(&mut one);
        *block = one.into();
    }
}

fn blocks((crypt, skip): (u8, u8), range: &mut [u8]) -> impl Iterator<Item = &mut [u8; BLOCK_BYTES]> {
    let (crypt, skip) = if (crypt, skip) == (0, 0) { (1, 0) } else { (usize::from(crypt), usize::from(skip)) };
    let (whole, _) = range.as_chunks_mut::<BLOCK_BYTES>();
    whole.iter_mut().enumerate().filter(move |(at, _)| at % (crypt + skip) < crypt).map(|(_, block)| block)
}
