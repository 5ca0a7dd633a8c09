// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// Whether a contract wallet calls a signature its own (EIP-1271), one too that is not there yet (ERC-6492).
///
/// This is run by eth_call as the code that makes a contract, and never made: what the constructor returns is the answer, one word of 0
/// or 1. Each call has a bound of gas and at most one word of its answer is looked at, so that a hostile wallet costs no more than that.
contract Judge {
    constructor(address signer, bytes32 hash, bytes memory signature, address factory, bytes memory setup) {
        bool good = holds(signer, hash, signature);
        if (!good && factory != address(0)) {
            assembly {
                pop(call(5000000, factory, 0, add(setup, 32), mload(setup), 0, 0))
            }
            good = holds(signer, hash, signature);
        }
        assembly {
            mstore(0, good)
            return(0, 32)
        }
    }

    function holds(address signer, bytes32 hash, bytes memory signature) private view returns (bool good) {
        bytes memory data = abi.encodeWithSelector(0x1626ba7e, hash, signature);
        assembly {
            mstore(0, 0)
            let done := staticcall(3000000, signer, add(data, 32), mload(data), 0, 32)
            good := and(and(done, gt(returndatasize(), 31)), eq(mload(0), shl(224, 0x1626ba7e)))
        }
    }
}
