// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// A wallet of one owner, who may hand it over.
contract Wallet {
    address public owner;

    constructor(address first) { owner = first; }

    function handOver(address to) external { require(msg.sender == owner); owner = to; }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (address signer, ECDSA.RecoverError error,) = ECDSA.tryRecover(hash, signature);
        return error == ECDSA.RecoverError.NoError && signer == owner ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}

/// Makes wallets where they were said to be.
contract Factory {
    function make(address owner, bytes32 salt) external returns (address) { return address(new Wallet{salt: salt}(owner)); }

    function where(address owner, bytes32 salt) external view returns (address) {
        bytes32 code = keccak256(abi.encodePacked(type(Wallet).creationCode, abi.encode(owner)));
        return address(uint160(uint256(keccak256(abi.encodePacked(bytes1(0xff), address(this), salt, code)))));
    }

    function burn() external pure { for (;;) {} }
}

/// What calls itself a wallet and is none.
contract Burner {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) { for (;;) {} }
}

contract Megabyte {
    function isValidSignature(bytes32, bytes calldata) external pure { assembly { return(0, 1048576) } }
}

/// The right word, and a megabyte after it.
contract Talkative {
    function isValidSignature(bytes32, bytes calldata) external pure {
        assembly { mstore(0, shl(224, 0x1626ba7e)) return(0, 1048576) }
    }
}

contract Truthy {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes32) { return bytes32(uint256(1)); }
}

contract Short {
    function isValidSignature(bytes32, bytes calldata) external pure { assembly { mstore(0, shl(224, 0x1626ba7e)) return(0, 4) } }
}

contract Reverts {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) { revert("no"); }
}
