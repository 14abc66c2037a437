/*
 * library.h
 *		Which library this is.
 */
#ifndef BOXOFFICE_LIBRARY_H
#define BOXOFFICE_LIBRARY_H

/*
 * Goes up by one when SQL of this tree comes to need something of the library that an older one
 * lacks; the line "library" of sql/MANIFEST says which one the SQL needs.
 */
#define LIBRARY_VERSION 7

#endif							/* BOXOFFICE_LIBRARY_H */
