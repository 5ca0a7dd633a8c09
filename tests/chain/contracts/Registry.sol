// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// As much of the registry of delegate.xyz (version 2) as the gate reads and hears of: who acts for whom.
contract Registry {
    enum Kind { NONE, ALL, CONTRACT, ERC721 }

    struct Delegation { Kind kind; address to; address from; bytes32 rights; address contract_; uint256 tokenId; uint256 amount; }

    event DelegateAll(address indexed from, address indexed to, bytes32 rights, bool enable);
    event DelegateContract(address indexed from, address indexed to, address indexed contract_, bytes32 rights, bool enable);
    event DelegateERC721(address indexed from, address indexed to, address indexed contract_, uint256 tokenId, bytes32 rights, bool enable);

    Delegation[] private all;

    function delegateAll(address to, bytes32 rights, bool enable) external {
        set(Delegation(Kind.ALL, to, msg.sender, rights, address(0), 0, 0), enable);
        emit DelegateAll(msg.sender, to, rights, enable);
    }

    function delegateContract(address to, address contract_, bytes32 rights, bool enable) external {
        set(Delegation(Kind.CONTRACT, to, msg.sender, rights, contract_, 0, 0), enable);
        emit DelegateContract(msg.sender, to, contract_, rights, enable);
    }

    function delegateERC721(address to, address contract_, uint256 tokenId, bytes32 rights, bool enable) external {
        set(Delegation(Kind.ERC721, to, msg.sender, rights, contract_, tokenId, 0), enable);
        emit DelegateERC721(msg.sender, to, contract_, tokenId, rights, enable);
    }

    function getIncomingDelegations(address to) external view returns (Delegation[] memory found) {
        uint256 count;
        for (uint256 n = 0; n < all.length; n++) if (all[n].to == to) count++;
        found = new Delegation[](count);
        for (uint256 n = all.length; n > 0; n--) if (all[n - 1].to == to) found[--count] = all[n - 1];
    }

    function set(Delegation memory wanted, bool enable) private {
        bytes32 name = keccak256(abi.encode(wanted));
        for (uint256 n = 0; n < all.length; n++) {
            if (keccak256(abi.encode(all[n])) != name) continue;
            if (!enable) { all[n] = all[all.length - 1]; all.pop(); }
            return;
        }
        if (enable) all.push(wanted);
    }
}
