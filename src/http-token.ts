/** What names in HTTP are, such as those of headers and of subprotocols (RFC 9110 section 5.6.2). */
export const httpToken = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
