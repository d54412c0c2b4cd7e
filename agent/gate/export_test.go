package gate

// DecodeEnrol is for the fuzz test.
var DecodeEnrol = decodeEnrol
