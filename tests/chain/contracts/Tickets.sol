// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";

contract Seals is ERC721("Seals", "SEAL") {
    function mint(address to, uint256 id) external { _mint(to, id); }
}

contract Crew is ERC1155("") {
    function mint(address to, uint256 id, uint256 amount) external { _mint(to, id, amount, ""); }
}

contract Coin is ERC20("Coin", "COIN") {
    function mint(address to, uint256 units) external { _mint(to, units); }
}
